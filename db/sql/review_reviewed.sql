-- How many reviewers have labelled each item; is_fast is of the reviewer where one is given.
select
    item_id,
    count(*) as num_annotations,
    bool_or(is_fast and ($reviewer_id is null or reviewer_id = $reviewer_id)) as is_fast
from standing_annotation
where origin = 'review'
group by item_id
