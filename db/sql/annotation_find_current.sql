-- The view "standing_annotation" for one item: see gold_get.
with said as materialized (
    select * from annotation where item_id = $item_id
)
select *
from said
where action = 'label'
    and reviewer_id = $reviewer_id
    and annotation_id not in (select retracted_annotation_id from said where action = 'retract')
order by annotation_number desc
limit 1
