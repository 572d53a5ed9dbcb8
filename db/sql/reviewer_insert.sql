insert into reviewer by name
select
    $reviewer_id as reviewer_id, $name as name, $role as role, $created_at::timestamp as created_at,
    $origin as origin
on conflict do nothing
