-- What the reviewer says of each item of the batch now, with its id.
insert into bulk_item by name
select $batch_id as batch_id, standing_annotation.item_id, standing_annotation.annotation_id
from standing_annotation
semi join incoming_target using (item_id)
where standing_annotation.reviewer_id = $reviewer_id
    and standing_annotation.origin = 'review'
