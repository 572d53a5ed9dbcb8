-- An aggregate: a sort of the same few rows takes twice as long.
select arg_max(label, adjudication_number)
from standing_adjudication
where item_id = $item_id
