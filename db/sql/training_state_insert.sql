insert into training_state by name
select
    $run_id as run_id, $state as state, $message as message, $created_at::timestamp as created_at
