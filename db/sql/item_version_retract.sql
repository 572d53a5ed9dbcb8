-- Take back what was said of an item before its sense changed: queues then ask for it again. Its version is
-- the one that asked for it.
insert into annotation by name
select
    $item_id || '/version-' || $version::varchar || '/' || retracted_annotation_id as annotation_id,
    $created_at::timestamp as created_at,
    said.* exclude (said_number) replace ($version::integer as item_version)
from scratch.retraction() as said
where item_id = $item_id
