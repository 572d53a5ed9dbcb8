-- In the order in which they were said; of one moment, the label after the reveal is the later one,
-- which counts.
insert into annotation by name
select
    incoming_label.* exclude (place)
        replace (label_of(incoming_label.labels, item.is_several) as label),
    'import' as origin, item.version as item_version
from (select *, row_number() over () as place from incoming_label) as incoming_label
join every_item as item using (item_id)
anti join annotation using (annotation_id)
order by incoming_label.created_at, incoming_label.phase, place
