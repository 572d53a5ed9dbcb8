-- Take back the annotations of a batch that were not taken back since.
insert into annotation by name
select
    $prefix || retracted_annotation_id as annotation_id,
    $created_at::timestamp as created_at,
    said.* exclude (said_number)
from scratch.retraction() as said
where retracted_annotation_id in (
    select annotation_id from bulk_item where batch_id = $batch_id
)
