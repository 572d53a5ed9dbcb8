-- Say in the name of $into_id what is kept of $reviewer_id, on items of which $into_id says nothing.
insert into annotation by name
select
    said.* exclude (annotation_number) replace (
        said.annotation_id || '/' || $into_id as annotation_id,
        $into_id as reviewer_id
    )
from annotation as said
semi join kept_annotation as kept using (annotation_id)
where said.reviewer_id = $reviewer_id
    and said.item_id not in (select item_id from kept_annotation where reviewer_id = $into_id)
order by said.annotation_number
returning annotation_id
