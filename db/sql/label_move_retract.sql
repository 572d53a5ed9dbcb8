-- Take back what was said of the items of a label set whose labels change; see label_move_annotations.
insert into annotation by name
select
    retracted_annotation_id || $suffix || '/retracted' as annotation_id,
    $created_at::timestamp as created_at,
    said.* exclude (said_number) replace (item.version + 1 as item_version)
from scratch.retraction() as said
join every_item as item on item.item_id = said.item_id
where item.label_set = $name and item.labels = $before::varchar[]
order by said_number
