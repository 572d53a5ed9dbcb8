"""From the entries of a file to the records of the store: items, answers, annotations."""
