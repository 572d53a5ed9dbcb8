-- Items with a judgement or a decision after the given numbers.
select distinct item_id
from (
    select item_id from annotation where annotation_number > $annotation_number
    union all
    select item_id from adjudication where adjudication_number > $adjudication_number
)
