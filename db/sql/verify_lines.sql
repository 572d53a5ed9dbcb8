select number, line from link where number in (select unnest($numbers::bigint[]))
