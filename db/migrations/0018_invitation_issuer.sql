-- An address invites within one sign-in provider alone: another one may give it to anyone.

alter table reviewer_change add column issuer varchar;

create or replace view current_reviewer as
with change as (
    select
        reviewer_id,
        arg_max({'role': role, 'email': email, 'issuer': issuer}, reviewer_change_number) as latest
    from reviewer_change
    group by reviewer_id
)
select
    reviewer.reviewer_id,
    reviewer.name,
    coalesce(change.latest.role, reviewer.role) as role,
    change.latest.email as email,
    reviewer.origin,
    change.latest.issuer as issuer
from reviewer
left join change on change.reviewer_id = reviewer.reviewer_id;
