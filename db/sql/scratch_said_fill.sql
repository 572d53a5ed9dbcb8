insert into scratch.said by name
select item.item_no, reviewer.name, said.origin, said.label, said.duration_seconds
from standing_annotation as said
join scratch.item as item on item.item_id = said.item_id
join reviewer on reviewer.reviewer_id = said.reviewer_id
