-- One row of current_reviewer, which sums up the changes of all: this is asked at every save.
select reviewer_id, name, coalesce(latest.role, role) as role, latest.email, origin, latest.issuer
from reviewer
left join (
    select arg_max({'role': role, 'email': email, 'issuer': issuer}, reviewer_change_number) as latest
    from reviewer_change
    where reviewer_id = $reviewer_id
) on true
where reviewer_id = $reviewer_id
