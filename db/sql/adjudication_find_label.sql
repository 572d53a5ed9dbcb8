-- Of decisions on the sense that the item has now. Aggregates: a sort of the same few rows takes twice as
-- long, and the view of standing decisions too.
select arg_max(label, adjudication_number)
from adjudication
where item_id = $item_id
    and item_version >= coalesce(
        (select max(version) from item_version where item_id = $item_id and changes_sense), 1
    )
