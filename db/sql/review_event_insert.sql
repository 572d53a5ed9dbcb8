insert into review_event by name
select
    $event_number as event_number,
    $action as action,
    $reviewer_id as reviewer_id,
    $item_id as item_id,
    $queue_id as queue_id,
    $phase as phase,
    $old_value as old_value,
    $new_value as new_value,
    $created_at::timestamp as created_at,
    $client_at::timestamp as client_at
