-- Who a reviewer is, and what they may do: the latest change counts, nothing is overwritten.

alter table reviewer add column origin varchar default 'person';     -- person, import

-- Annotators known only from the labels that came with a data set.
update reviewer set origin = 'import'
where reviewer_id in (select reviewer_id from annotation where origin = 'import')
    and reviewer_id not in (select reviewer_id from annotation where origin = 'review')
    and reviewer_id not in (select reviewer_id from adjudication);

create sequence reviewer_change_sequence;

create table reviewer_change (
    reviewer_change_number bigint primary key default nextval('reviewer_change_sequence'),
    reviewer_id varchar not null,
    role varchar not null,              -- none: may sign in no more
    email varchar,                      -- lower case; a sign-in with it, verified, is this person
    changed_by varchar,                 -- a reviewer; null: whoever holds the file, or nobody yet
    created_at timestamp not null
);

-- Who a provider of OpenID Connect says somebody is.
create table reviewer_identity (
    issuer varchar not null,
    subject varchar not null,
    reviewer_id varchar not null,
    created_at timestamp not null,
    primary key (issuer, subject)
);

create view current_reviewer as
with change as (
    select
        reviewer_id,
        arg_max({'role': role, 'email': email}, reviewer_change_number) as latest
    from reviewer_change
    group by reviewer_id
)
select
    reviewer.reviewer_id,
    reviewer.name,
    coalesce(change.latest.role, reviewer.role) as role,
    change.latest.email as email,
    reviewer.origin
from reviewer
left join change on change.reviewer_id = reviewer.reviewer_id;
