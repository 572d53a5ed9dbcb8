-- Take back what is kept of $reviewer_id; see person_merge_carry.
insert into annotation by name
select
    retracted_annotation_id || '/merged' as annotation_id,
    $created_at::timestamp as created_at,
    said.* exclude (said_number)
from scratch.retraction() as said
where reviewer_id = $reviewer_id
order by said_number
returning annotation_id
