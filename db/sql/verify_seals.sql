-- Texts that name a person and do not fit their seal. Of people whose identity was erased, salt and texts
-- are gone and the name is that of their erasure. A seal has an empty text and none alike, so of those that
-- may be missing none may be empty.
with erased as (
    select reviewer_id, any_value(name) as erased_name from reviewer_change where kind = 'erase'
    group by reviewer_id
),
sealed_text as (
    select
        'reviewer' as kind, reviewer_id, seal, salt, sealed(salt, name, null, null) as found, name as left_over
    from reviewer
    union all
    select
        'reviewer_change', reviewer_id, seal, salt, sealed(salt, name, email, issuer),
        coalesce(name, email, issuer)
    from reviewer_change
    union all
    select
        'reviewer_identity', reviewer_id, seal, salt, sealed(salt, issuer, subject, null),
        if(issuer = '' and ends_with(subject, ' ' || seal), left(subject, -length(seal) - 1), null)
    from reviewer_identity
    union all
    select 'signature', reviewer_id, seal, salt, sealed(salt, name, null, null), name
    from signature
    union all
    select 'reviewer_change', reviewer_id, seal, '', null, null
    from reviewer_change
    where name = '' or email = '' or issuer = ''
)
select null::bigint as number, kind, reviewer_id
from sealed_text
left join erased using (reviewer_id)
where seal is distinct from found
    and (
        salt is not null
        or erased_name is null
        or left_over is distinct from if(kind in ('reviewer', 'reviewer_identity'), erased_name, null)
    )
order by kind, reviewer_id
