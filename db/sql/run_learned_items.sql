-- How many items of each label set each run has learned from.
select record.run_id, item.label_set, count(distinct record.item_id)
from training_record as record
join item using (item_id)
where record.fold = 'train'
group by all
