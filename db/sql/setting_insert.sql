insert into setting by name
select
    $key as key, $value as value, $reviewer_id as reviewer_id, $created_at::timestamp as created_at
