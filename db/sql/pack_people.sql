-- What is sealed, with salt and texts where they are wanted and were not erased.
with sealed_text as (
    select 'reviewer' as kind, reviewer_id as row_key, seal, salt, [name, null, null] as texts
    from reviewer
    union all
    select 'reviewer_change', reviewer_change_number::varchar, seal, salt, [name, email, issuer]
    from reviewer_change
    union all
    select 'reviewer_identity', seal, seal, salt, [issuer, subject, null] from reviewer_identity
    union all
    select 'signature', signed_kind || '/' || signed_id, seal, salt, [name, null, null] from signature
)
select json_object(
    'kind', kind, 'key', row_key, 'seal', seal,
    'salt', if($with_names, salt, null), 'texts', if($with_names, texts, [])
)::varchar
from sealed_text
order by kind, row_key
