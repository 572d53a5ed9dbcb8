-- What the Review page reads of one item. DuckDB uses an index only where it is the sole condition
-- of a scan, so the compound primary keys do not serve: 10 ms and more each at 1,000,000 predictions.
create index prediction_of_item on prediction (item_id);
create index answer_reading_of_item on answer_reading (item_id);
