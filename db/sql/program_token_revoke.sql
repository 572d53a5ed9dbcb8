insert into program_token_revocation by name
select $token_id as token_id, $revoked_by as revoked_by, $revoked_at::timestamp as revoked_at
on conflict do nothing
