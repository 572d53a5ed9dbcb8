"""What pages work out before they draw: queue, rows, verdicts. No Streamlit here."""
