insert into acceptance_rule by name
select
    $rule_id as rule_id,
    $run_id as run_id,
    $label_set as label_set,
    $source as source,
    $split as split,
    $risk as risk,
    $confidence_level as confidence_level,
    $threshold as threshold,
    $num_reviewed as num_reviewed,
    $num_above as num_above,
    $num_errors as num_errors,
    $review_share as review_share,
    $queue_id as queue_id,
    $created_by as created_by,
    $created_at::timestamp as created_at
