-- Say again what a batch took back; the new rows are copies with an id and a time of their own.
insert into annotation by name
select
    annotation.* exclude (annotation_number) replace (
        $prefix || annotation.annotation_id as annotation_id,
        $created_at::timestamp as created_at
    )
from annotation
left join sense_change using (item_id)
where coalesce(annotation.item_version >= sense_change.version, true)
    and annotation_id in (select annotation_id from bulk_item where batch_id = $batch_id)
order by annotation.annotation_number
