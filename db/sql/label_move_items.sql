-- The next version of the items of a label set whose labels change.
insert into item_version by name
select
    item_id,
    version + 1 as version,
    source,
    question,
    context,
    label_set,
    $after::varchar[] as labels,
    options,
    moved_label(gold_label, $before::varchar[], $moved::varchar[], $after::varchar[]) as gold_label,
    long_answer,
    split,
    metadata,
    is_several,
    true as changes_sense,
    $reason as reason,
    $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at
from every_item
where label_set = $name and labels = $before::varchar[]
