"""What tests share: makers of records, stores, pages, runs, and waiting for what will happen."""
