-- How many rules accept answers now, and what changes with every judgement on their items and every rule.
select
    (select count(*) from current_acceptance where action = 'accept') as num_accepting,
    (select coalesce(max(event_number), 0) from acceptance_event) as event_number,
    (select coalesce(max(annotation_number), 0) from annotation) as annotation_number,
    (select coalesce(max(adjudication_number), 0) from adjudication) as adjudication_number
