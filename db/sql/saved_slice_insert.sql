insert into saved_slice by name
select
    $name as name, $selection as selection, $saved_by as saved_by,
    $created_at::timestamp as created_at
