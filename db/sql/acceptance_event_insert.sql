insert into acceptance_event by name
select
    $rule_id as rule_id,
    $action as action,
    $reason as reason,
    $num_reviewed as num_reviewed,
    $num_errors as num_errors,
    $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at
