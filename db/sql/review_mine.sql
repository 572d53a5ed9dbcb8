-- What one reviewer says of each item they have labelled.
select item_id, coalesce(label, array_to_string(labels, ', ')) as label
from standing_annotation
where reviewer_id = $reviewer_id
