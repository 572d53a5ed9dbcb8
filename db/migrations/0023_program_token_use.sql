-- When programs used their tokens: at most one row an hour for each, so that an idle one is seen.
create table program_token_use (
    token_id varchar not null,
    used_at timestamp not null
);
