select *
from standing_annotation
where origin = $origin
order by item_id, annotation_number
