insert into item_version by name
select
    $item_id as item_id,
    $version::integer as version,
    $source as source,
    $question as question,
    $context::struct(heading varchar, "text" varchar)[] as context,
    $label_set as label_set,
    $labels::varchar[] as labels,
    $options::struct(label varchar, "text" varchar)[] as options,
    $gold_label as gold_label,
    $long_answer as long_answer,
    $split as split,
    $metadata as metadata,
    $is_several as is_several,
    $changes_sense as changes_sense,
    $reason as reason,
    $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at
