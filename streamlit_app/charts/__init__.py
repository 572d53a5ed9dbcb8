"""Charts: data in, plotly Figure out. No Streamlit, no storage."""
