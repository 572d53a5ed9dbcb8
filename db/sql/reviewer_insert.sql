insert into reviewer by name
select
    $reviewer_id as reviewer_id, $name as name, $role as role, $created_at::timestamp as created_at,
    $origin as origin, $salt as salt, sealed($salt, $name, null, null) as seal
on conflict do nothing
