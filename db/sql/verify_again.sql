-- Rows with links for more than one content, of kinds that are never stored again.
select number, kind, row_key
from expected
where num_contents > 1 and not list_contains($replaced, kind)
order by number
