insert into draft by name
select
    $item_id as item_id,
    $reviewer_id as reviewer_id,
    $phase as phase,
    $body as body,
    $created_at::timestamp as created_at
