insert into trigger_policy by name
select $policy as policy, $reviewer_id as reviewer_id, $created_at::timestamp as created_at
