-- Imported predictions are answers to the versions of this moment.
insert or ignore into seen_version by name
select incoming_prediction.run_id, item.item_id, item.version
from incoming_prediction
join run on run.run_id = incoming_prediction.run_id and run.kind = 'imported'
join every_item as item on item.item_id = incoming_prediction.item_id and item.version > 1
