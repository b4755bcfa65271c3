package engine

const (
	// rushOf is how many newcomers in a second are a rush.
	rushOf = 500
	// calmAfter is by how much fewer they are when it is over.
	calmAfter = 20
)

// rush tells when many have come and hardly anybody comes any more. What their requests needed is free then, but the runtime keeps it, up
// to as much again as is in use, until it is asked to give it back to the system; that takes a collection, so it is worth it
// only now. The sweep owns it.
type rush struct{ most int } // newcomers in the busiest second; 0: there is no rush

// isOver is told every second how many have come in.
func (r *rush) isOver(entered int) bool {
	if entered >= rushOf {
		r.most = max(r.most, entered)
	}
	if entered*calmAfter > r.most || r.most == 0 {
		return false
	}
	r.most = 0
	return true
}
