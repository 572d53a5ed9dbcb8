-- The next numbers of a table's rows; db/chain.py puts another table's name in.
select nextval('annotation_sequence') from range(64)
