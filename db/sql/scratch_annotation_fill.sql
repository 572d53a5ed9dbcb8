insert into scratch.annotation by name
select item.item_no, reviewer.name, annotation.origin, annotation.label, annotation.duration_seconds
from standing_annotation as annotation
join scratch.item as item on item.item_id = annotation.item_id
join current_reviewer as reviewer on reviewer.reviewer_id = annotation.reviewer_id
