insert into reservation by name
select
    $queue_id as queue_id,
    unnest($item_ids::varchar[]) as item_id,
    $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at,
    $expires_at::timestamp as expires_at
