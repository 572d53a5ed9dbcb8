-- Texts that name a person and do not fit their seal, but for those of people whose identity was erased.
with erased as (
    select reviewer_id from reviewer_change where kind = 'erase'
),
sealed_text as (
    select 'reviewer' as kind, reviewer_id, seal, sealed(salt, name, null, null) as found from reviewer
    union all
    select 'reviewer_change', reviewer_id, seal, sealed(salt, name, email, issuer) from reviewer_change
    union all
    select 'reviewer_identity', reviewer_id, seal, sealed(salt, issuer, subject, null)
    from reviewer_identity
    union all
    select 'signature', reviewer_id, seal, sealed(salt, name, null, null) from signature
)
select null::bigint as number, kind, reviewer_id
from sealed_text
where seal is distinct from found and reviewer_id not in (select reviewer_id from erased)
order by kind, reviewer_id
