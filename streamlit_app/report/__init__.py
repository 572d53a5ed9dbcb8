"""Reports: one HTML file that shows a page with its filters, without a network."""
