-- Programs that use the routes: each is a reviewer of its own, known by a secret of which only the
-- hash is stored. A token that was revoked stays, with who revoked it.
create sequence program_token_sequence;

create table program_token (
    token_number bigint primary key default nextval('program_token_sequence'),
    token_id varchar not null unique,
    token_hash varchar not null unique,     -- SHA-256 of the secret, which has 256 random bits
    reviewer_id varchar not null,
    created_by varchar,                     -- a reviewer; null: the holder of the database file
    created_at timestamp not null
);

create table program_token_revocation (
    token_id varchar primary key,
    revoked_by varchar,                     -- as created_by
    revoked_at timestamp not null
);
