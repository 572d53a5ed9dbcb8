-- One row of current_reviewer, which sums up the changes of all: this is asked at every save.
select
    reviewer_id, coalesce(new_name, name) as name, coalesce(latest.role, role) as role,
    latest.email, origin, latest.issuer, latest.merged_into
from reviewer
left join (
    select
        arg_max(
            {'role': role, 'email': email, 'issuer': issuer, 'merged_into': merged_into},
            reviewer_change_number
        ) as latest,
        arg_max(name, reviewer_change_number) as new_name
    from reviewer_change
    where reviewer_id = $reviewer_id
) on true
where reviewer_id = $reviewer_id
