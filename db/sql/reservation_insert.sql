insert into reservation by name
select
    $queue_id as queue_id,
    $item_id as item_id,
    $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at,
    $expires_at::timestamp as expires_at
