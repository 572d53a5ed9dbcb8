-- Annotations and adjudications are only ever appended.
select
    coalesce((select max(annotation_number) from annotation), 0) as annotation_number,
    (select count(*) from annotation) as num_annotations,
    coalesce((select max(adjudication_number) from adjudication), 0) as adjudication_number,
    (select count(*) from adjudication) as num_adjudications
