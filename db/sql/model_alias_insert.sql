insert into model_alias by name
select
    $alias as alias, $version::integer as version, $action as action, $reason as reason,
    $gate as gate, $reviewer_id as reviewer_id, $created_at::timestamp as created_at
returning model_alias_number
